/// An amount of millionths of a dollar.
pub fn dollars(amount: f64) -> String {
    let (sign, amount) = (if amount < 0.0 { "-" } else { "" }, amount.abs() / 1e6);
    if amount < 0.1 { format!("{sign}${amount:.4}") } else { format!("{sign}${amount:.2}") }
}

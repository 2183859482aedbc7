//! Payments from and to outside as they are printed.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_escrow_client::messages::PaymentView;
use verinfer_protocols::payment::{Direction, Standing};

use crate::escape::one_line;
use crate::output::Report;

/// A list of payments.
#[derive(Serialize)]
pub struct PaymentsReport {
    /// All of them, the first first.
    pub payments: Vec<PaymentView>,
}

impl Report for PaymentsReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>8}  {:64}  {:>15}  {:8}  reference", "entry", "account", "units", "standing")?;
        for PaymentView { account, direction, reference, amount, left, standing, recorded, .. } in &self.payments {
            let sign = if *direction == Direction::In { '+' } else { '-' };
            let units = format!("{sign}{}", amount.units());
            let reversed = if left == amount { String::new() } else { format!(", of which {left} stand") };
            writeln!(out, "{recorded:>8}  {account}  {units:>15}  {:8}  {}{reversed}", word(*standing), one_line(reference))?;
        }
        Ok(())
    }
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Received => "received",
        Standing::Due => "due",
        Standing::Paid => "paid",
        Standing::Returned => "returned",
    }
}

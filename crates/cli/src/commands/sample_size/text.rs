//! The tables as text.

use std::io::{self, Write};

use super::SampleSizes;
use super::tables::{AccuracyRow, PaperRow, TamperingRow};
use crate::output::{Report, thousands, write_table};

impl Report for SampleSizes {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "risk      {}: what is said below is wrong with at most this probability", self.delta)?;
        if let Some(price) = &self.price {
            let model = price.model.as_deref().unwrap_or("as stated");
            let dollars = price.cost().of(1);
            writeln!(
                out,
                "proof     {:.3} core-seconds, ${} for a core-hour: ${dollars:.6} ({model})",
                price.core_seconds, price.price_per_core_hour
            )?;
        }
        if !self.tampering.is_empty() {
            self.write_tampering(out)?;
        }
        if !self.accuracy.is_empty() {
            self.write_accuracy(out)?;
        }
        Ok(())
    }
}

impl SampleSizes {
    fn write_tampering(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\nSamples, all of them in order, that show that less than a fraction was tampered with")?;
        let corpus = self.corpus.map(|corpus| format!("of {}", thousands(corpus)));
        let (priced, compared) = (self.price.is_some(), self.tampering.iter().any(|row| row.paper.is_some()));
        let mut titles = vec!["fraction", "samples"];
        titles.extend(corpus.as_deref());
        titles.extend(priced.then_some("cost"));
        titles.push("two-sided");
        titles.extend(compared.then_some(PAPER_TITLES).into_iter().flatten());
        let row = |row: &TamperingRow| {
            let mut cells = vec![row.fraction.to_string(), thousands(row.samples)];
            cells.extend(row.of_corpus.map(thousands));
            cells.extend(row.cost.map(dollars));
            cells.push(thousands(row.two_sided));
            cells.extend(paper_cells(row.paper.as_ref()));
            cells
        };
        write_rows(out, &titles, compared, self.tampering.iter().map(row))?;
        if compared {
            let bounds = self.tampering.iter().filter_map(|row| row.paper.as_ref());
            let bounds: Vec<String> = bounds.map(|paper| format!("{:.4}", paper.printed_bound)).collect();
            writeln!(out, "The paper's bound as printed, exp((1 - delta)/N), is {}: more than 1.", bounds.join(", "))?;
        }
        Ok(())
    }

    fn write_accuracy(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\nSamples that show an accuracy to within epsilon, whatever it is")?;
        let (priced, compared) = (self.price.is_some(), self.accuracy.iter().any(|row| row.paper.is_some()));
        let mut titles = vec!["epsilon", "exact"];
        titles.extend(priced.then_some("cost"));
        titles.extend(["two-sided", "Hoeffding"]);
        titles.extend(priced.then_some("cost"));
        titles.push("two-sided");
        titles.extend(compared.then_some(PAPER_TITLES).into_iter().flatten());
        let row = |row: &AccuracyRow| {
            let exact = |samples: Option<u64>| samples.map_or("too many".to_string(), thousands);
            let mut cells = vec![row.epsilon.to_string(), exact(row.exact_one_sided)];
            cells.extend(priced.then(|| row.cost.map(dollars).unwrap_or_default()));
            cells.extend([exact(row.exact_two_sided), thousands(row.hoeffding_one_sided)]);
            cells.extend(row.cost_hoeffding.map(dollars));
            cells.push(thousands(row.hoeffding_two_sided));
            cells.extend(paper_cells(row.paper.as_ref()));
            cells
        };
        write_rows(out, &titles, compared, self.accuracy.iter().map(row))?;
        if compared {
            let risks = self.accuracy.iter().filter_map(|row| row.paper.as_ref());
            let risks: Vec<String> = risks.map(|paper| format!("1 - {:.0e}", 1.0 - paper.printed_bound)).collect();
            writeln!(out, "The paper's risk as printed, exp(-2 epsilon^2/N), is {}; meant is exp(-2 N epsilon^2).", risks.join(", "))?;
        }
        Ok(())
    }
}

const PAPER_TITLES: [&str; 3] = ["paper", "paper's cost", "where the paper's sample size comes from"];

fn paper_cells(paper: Option<&PaperRow>) -> Vec<String> {
    paper.map(|paper| vec![thousands(paper.samples), dollars(paper.dollars), paper.origin.clone()]).unwrap_or_default()
}

/// Writes a table of numbers, whose last column is text if it has the paper's.
fn write_rows(out: &mut dyn Write, titles: &[&str], compared: bool, rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    let num_right = titles.len() - usize::from(compared);
    write_table(out, titles, &(0..num_right).collect::<Vec<_>>(), &rows.collect::<Vec<_>>())
}

/// Cents, and below a dollar hundredths of them.
fn dollars(amount: f64) -> String {
    if amount < 1.0 { format!("${amount:.4}") } else { format!("${amount:.2}") }
}

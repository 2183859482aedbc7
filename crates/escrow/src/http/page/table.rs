//! Tables that are lists on narrow screens.

use maud::{Markup, html};

/// A column: its name, and how its cells look.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub &'static str);

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// By which the row is known while the page changes.
    pub id: String,
    /// Whether it matters less.
    pub quiet: bool,
    /// One for each column.
    pub cells: Vec<Markup>,
}

/// A table. Its roles are written out: where it is laid out as a list, browsers would take it for none. There, each cell is its column's name and one box.
pub fn table(name: &str, columns: &[Column], rows: &[Row], foot: &Markup) -> Markup {
    html! {
        @if rows.is_empty() { p.empty { "None." } } @else {
            table role="table" aria-label=(name) {
                thead role="rowgroup" { tr role="row" { @for Column(name, class) in columns { th.(class) role="columnheader" scope="col" { (name) } } } }
                tbody role="rowgroup" {
                    @for Row { id, quiet, cells } in rows {
                        tr.quiet[*quiet] role="row" id=(id) {
                            @for (Column(name, class), cell) in columns.iter().zip(cells) { td.(class) role="cell" data-column=(name) { div { (cell) } } }
                        }
                    }
                }
                (foot)
            }
        }
    }
}

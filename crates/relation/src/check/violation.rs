use super::Place;

/// The first constraint of a relation that an assignment breaks.
///
/// Field elements are shown as the signed integers of smallest magnitude in their class; the looked-up key of a requantization whose equation
/// does not hold over the integers is therefore some very large number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The committed vector has another length than the relation's.
    #[error("there are {found} cells, the relation has {expected}")]
    CellCount {
        /// Given.
        found: usize,
        /// Needed.
        expected: usize,
    },
    /// The input has another length than the network's.
    #[error("the input has {found} elements, the relation takes {expected}")]
    InputLength {
        /// Given.
        found: usize,
        /// Needed.
        expected: usize,
    },
    /// The claimed output has another length than the network's.
    #[error("the claimed output has {found} elements, the relation gives {expected}")]
    OutputLength {
        /// Given.
        found: usize,
        /// Needed.
        expected: usize,
    },
    /// The key of a tuple is not one of the table's.
    #[error("{at}: {tuple:?} is not in the table `{table}`, whose keys are {first} to {last}")]
    NotInTable {
        /// The cell whose tuple it is.
        at: Place,
        /// Name of the table.
        table: String,
        /// Key and outputs.
        tuple: Vec<i64>,
        /// Smallest key.
        first: i64,
        /// Largest key.
        last: i64,
    },
    /// The key of a tuple is in the table, but with other outputs.
    #[error("{at}: {tuple:?} is not in the table `{table}`, whose row for that key is {expected:?}")]
    NotARow {
        /// The cell whose tuple it is.
        at: Place,
        /// Name of the table.
        table: String,
        /// Key and outputs.
        tuple: Vec<i64>,
        /// The row with that key.
        expected: Vec<i64>,
    },
    /// A row is looked up more or less often than its multiplicity says.
    #[error("row {key} of the table `{table}` is looked up {expected} times, its multiplicity is {found}")]
    Multiplicity {
        /// Name of the table.
        table: String,
        /// Key of the row.
        key: i64,
        /// The multiplicity's cell.
        found: i64,
        /// How often it is looked up.
        expected: usize,
    },
    /// The output is not what is claimed.
    #[error("{at}: the output is {found}, {claimed} is claimed")]
    Output {
        /// The output's cell.
        at: Place,
        /// Its value.
        found: i64,
        /// The claimed value.
        claimed: i16,
    },
}

use serde::{Deserialize, Serialize};
use verinfer_commitments::{Salt, commit_label};
use verinfer_protocols::accuracy::{Evidence, Terms};
use verinfer_protocols::digest::{Digest, canonical};
use verinfer_protocols::member::{OpenedLabel, example_entry};
use verinfer_protocols::merkle::{Path, Root};

use crate::error::ItemError;
use crate::input::{OpenedInput, decode, salt};

/// An example of a test set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The input.
    pub input: OpenedInput,
    /// Its true class.
    pub label: Label,
    /// From the entry to the root.
    pub path: Path,
}

/// The true class of an example, with what opens the digest that stands for it in the test set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    /// Where the evidence is outputs: the label is opened beside the proof.
    Opened(OpenedLabel),
    /// Where it is a count: the label stays behind a commitment that proofs are about.
    Committed {
        /// The true class.
        class: u32,
        /// The salt of the commitment.
        salt: Vec<u8>,
    },
}

impl Label {
    /// The class.
    pub const fn class(&self) -> u32 {
        match self {
            Self::Opened(label) => label.class,
            Self::Committed { class, .. } => *class,
        }
    }

    /// The label as it is opened beside a proof; nothing if it stays behind a commitment.
    pub const fn opened(&self) -> Option<OpenedLabel> {
        match self {
            Self::Opened(label) => Some(*label),
            Self::Committed { .. } => None,
        }
    }

    /// The salt of the commitment; nothing if there is none.
    ///
    /// # Errors
    ///
    /// It has another length than salts have.
    pub fn salt(&self) -> Result<Option<Salt>, ItemError> {
        match self {
            Self::Opened(_) => Ok(None),
            Self::Committed { salt: bytes, .. } => salt(bytes).map(Some),
        }
    }

    /// The digest that stands for it.
    ///
    /// # Errors
    ///
    /// There is no commitment to such a class, or the salt is none.
    pub fn digest(&self) -> Result<Digest, ItemError> {
        match self {
            Self::Opened(label) => Ok(label.digest()),
            Self::Committed { class, salt: bytes } => Ok(Digest::of_bytes(&commit_label(*class, &salt(bytes)?)?.commitment.to_bytes())),
        }
    }
}

impl Example {
    /// The entry of the test set that it is.
    ///
    /// # Errors
    ///
    /// It cannot be committed to.
    pub fn entry(&self) -> Result<Digest, ItemError> {
        Ok(example_entry(&self.input.digest()?, &self.label.digest()?))
    }

    /// Checks that it is the entry of a test set at a place.
    ///
    /// # Errors
    ///
    /// It is not.
    pub fn is_entry(&self, test_set: &Root, index: u32) -> Result<(), ItemError> {
        if test_set.holds(index, &self.entry()?, &self.path) { Ok(()) } else { Err(ItemError::NotInList { index }) }
    }

    /// Checks that it is what terms promise at a place of the test set: of the model's form, with its label as the evidence needs it.
    ///
    /// # Errors
    ///
    /// It is not.
    pub fn is_promised(&self, terms: &Terms, index: u32) -> Result<(), ItemError> {
        let evidence = match self.label {
            Label::Opened(_) => Evidence::Outputs,
            Label::Committed { .. } => Evidence::Count,
        };
        if evidence != terms.evidence || self.input.kind() != terms.form.input || self.label.class() >= terms.form.classes {
            return Err(ItemError::Form { index });
        }
        self.is_entry(&terms.test_set, index)
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        canonical(self)
    }

    /// The example of these bytes.
    ///
    /// # Errors
    ///
    /// They are not its one encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, ItemError> {
        decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use verinfer_commitments::draw_salt;
    use verinfer_graph::{DataType, Shape};
    use verinfer_protocols::accuracy::{Form, Periods, Prices};
    use verinfer_protocols::coin::Share;
    use verinfer_protocols::digest::AgreementId;
    use verinfer_protocols::keys::AccountId;
    use verinfer_protocols::member::LabelSalt;
    use verinfer_protocols::merkle::Tree;
    use verinfer_protocols::money::Money;
    use verinfer_protocols::time::Millis;

    use super::*;
    use crate::input::input_kind;

    #[test]
    fn what_a_model_cannot_be_tried_on_is_not_what_was_promised() {
        let shape = Shape::new(1, 2, 1);
        let input = OpenedInput::new(shape, DataType::I8, &[3, -4], &draw_salt().unwrap()).unwrap();
        let opened = |class| Label::Opened(OpenedLabel { class, salt: LabelSalt([7; 32]) });
        let committed = Label::Committed { class: 1, salt: draw_salt().unwrap().to_vec() };
        let form = Form { input: input_kind(shape, DataType::I8), classes: 2 };
        let is_promised = |label: &Label, form: Form, evidence| {
            let example = Example { input: input.clone(), label: label.clone(), path: Path(Vec::new()) };
            let tree = Tree::new(&[example.entry().unwrap(), Digest([0; 32])]).unwrap();
            let example = Example { path: tree.path(0).unwrap(), ..example };
            let units = |units| Money::new(units).unwrap();
            let terms = Terms {
                customer: AccountId([1; 32]),
                provider: AccountId([2; 32]),
                model: Digest([3; 32]),
                test_set: tree.root(),
                form,
                first: 1,
                evidence,
                top: 1,
                target: 1,
                prices: Prices { example: units(3), proof: units(2), inference: units(1) },
                fee: units(0),
                stake: AgreementId([4; 32]),
                coin: Share([5; 32]).commit(),
                periods: Periods { respond: Millis(1), decide: Millis(1), prove: Millis(1) },
                nonce: Digest([6; 32]),
            };
            (example.is_promised(&terms, 0).is_ok(), example.is_promised(&terms, 1).is_ok())
        };
        assert_eq!(is_promised(&opened(1), form, Evidence::Outputs), (true, false));
        assert_eq!(is_promised(&committed, form, Evidence::Count), (true, false));
        let broken = [
            is_promised(&opened(2), form, Evidence::Outputs),
            is_promised(&opened(1), form, Evidence::Count),
            is_promised(&committed, form, Evidence::Outputs),
            is_promised(&opened(1), Form { input: input_kind(shape, DataType::U8), ..form }, Evidence::Outputs),
            is_promised(&opened(1), Form { input: input_kind(Shape::new(2, 1, 1), DataType::I8), ..form }, Evidence::Outputs),
        ];
        assert_eq!(broken, [(false, false); 5]);
    }
}

//! Both sides of an agreement about accuracy with real proofs.

use verinfer_commitments::draw_salt;
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_items::{Example, Label, OpenedInput};
use verinfer_protocols::accuracy::{Evidence, Form, Move, Periods, Prices, STAGE, State, Terms};
use verinfer_protocols::agreement;
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::member::{LabelSalt, Member, OpenedLabel, example_entry};
use verinfer_protocols::merkle::{Path, Tree};
use verinfer_protocols::rules::{Rules, StakeRules};
use verinfer_protocols::statement::context;
use verinfer_protocols::{stake, transfer};
use verinfer_relation::setting::OutputForm;
use verinfer_sealing::{Key, open, seal};

use super::model::Model;
use super::{LONG, money, nonce, random};

/// A customer's test set, and what it remembers of an agreement.
pub struct Customer {
    pub share: Share,
    pub evidence: Evidence,
    examples: Vec<(OpenedInput, Label)>,
    form: Form,
    tree: Tree,
    /// Of the transfer that is going on.
    key: Option<Key>,
}

impl Customer {
    /// With a test set of what the model says.
    pub fn new(model: &Model, len: u32, evidence: Evidence) -> Self {
        let example = |number| {
            let input = model.input(number);
            let class = model.class(&input);
            let label = match evidence {
                Evidence::Outputs => Label::Opened(OpenedLabel { class, salt: LabelSalt(random()) }),
                Evidence::Count => Label::Committed { class, salt: draw_salt().unwrap().to_vec() },
            };
            (input, label)
        };
        let examples: Vec<_> = (0..len).map(example).collect();
        let entry = |(input, label): &(OpenedInput, Label)| example_entry(&input.digest().unwrap(), &label.digest().unwrap());
        let tree = Tree::new(&examples.iter().map(entry).collect::<Vec<_>>()).unwrap();
        let form = Form { input: examples[0].0.kind(), classes: model.classes() };
        Self { share: Share(random()), evidence, examples, form, tree, key: None }
    }

    pub fn terms(&self, customer: AccountId, provider: AccountId, model: Digest, stake: AgreementId) -> Terms {
        Terms {
            customer,
            provider,
            model,
            test_set: self.tree.root(),
            form: self.form,
            first: 1,
            evidence: self.evidence,
            top: 1,
            target: self.tree.root().len - 1,
            prices: Prices { example: money(50), proof: money(20), inference: money(5) },
            fee: money(3),
            stake,
            coin: self.share.commit(),
            periods: Periods { respond: LONG, decide: LONG, prove: LONG },
            nonce: nonce(),
        }
    }

    /// Makes the move that is due; gives whether there was one.
    pub fn advance(&mut self, client: &Client, view: &AgreementView, deliver: &mut Vec<Vec<u8>>) -> bool {
        let id = view.agreement.id;
        if view.awaits != Some(client.account()) {
            return false;
        }
        let (agreement::Terms::Accuracy(terms), agreement::State::Accuracy(state)) = (&view.agreement.terms, &view.agreement.state) else {
            panic!("not about accuracy")
        };
        let action = match state {
            State::Revealing { .. } => Move::Reveal { share: self.share },
            State::First { seed, transfer } => self.send(id, &view.stage, transfer, &terms.first_part(seed), deliver),
            State::Second { seed, transfer } => self.send(id, &view.stage, transfer, &terms.second_part(seed), deliver),
            other => panic!("{other:?}"),
        };
        client.act(id, agreement::Move::Accuracy(action)).unwrap();
        true
    }

    fn send(&mut self, id: AgreementId, stage: &str, state: &transfer::State, due: &[u32], deliver: &mut Vec<Vec<u8>>) -> Move {
        Move::Transfer(match state {
            transfer::State::Announcing { .. } => {
                let item = |&index: &u32| {
                    let (input, label) = self.examples[index as usize].clone();
                    Example { input, label, path: self.tree.path(index).unwrap() }.encode()
                };
                let (key, context) = (Key::draw().unwrap(), transfer::context(id, stage).0);
                let sealed: Vec<_> =
                    (0..).zip(due).map(|(position, index)| seal(&key, &context, position, &item(index)).unwrap()).collect();
                self.key = Some(key);
                let digests: Vec<Digest> = sealed.iter().map(|sealed| Digest::of_bytes(sealed)).collect();
                *deliver = sealed;
                transfer::Move::Announce { ciphertexts: Tree::new(&digests).unwrap().root() }
            }
            transfer::State::Keying { .. } => transfer::Move::Key { key: self.key.as_ref().unwrap().as_bytes().to_vec() },
            other => panic!("{other:?}"),
        })
    }
}

/// Opens what was delivered, as the provider does.
pub fn receive(view: &AgreementView, key: &[u8], delivered: &[Vec<u8>], due: &[u32]) -> Vec<(u32, Example)> {
    let key = Key::from_bytes(key).unwrap();
    let context = transfer::context(view.agreement.id, &view.stage).0;
    let item = |(position, (sealed, &index)): (usize, (&Vec<u8>, &u32))| {
        (index, Example::decode(&open(&key, &context, u32::try_from(position).unwrap(), sealed).unwrap()).unwrap())
    };
    delivered.iter().zip(due).enumerate().map(item).collect()
}

/// What a provider remembers of an agreement.
#[derive(Default)]
pub struct Provider {
    examples: Vec<(u32, Example)>,
}

impl Provider {
    /// Makes the move that is due; gives whether there was one.
    pub fn advance(&mut self, client: &Client, model: &Model, view: &AgreementView, delivered: &[Vec<u8>]) -> bool {
        let id = view.agreement.id;
        if view.awaits != Some(client.account()) {
            return false;
        }
        let (agreement::Terms::Accuracy(terms), agreement::State::Accuracy(state)) = (&view.agreement.terms, &view.agreement.state) else {
            panic!("not about accuracy")
        };
        let action = match state {
            State::Proposed { .. } => Move::Accept { share: Share(random()) },
            State::First { seed, transfer } => self.receive(view, transfer, &terms.first_part(seed), delivered),
            State::Second { seed, transfer } => self.receive(view, transfer, &terms.second_part(seed), delivered),
            State::Deciding { .. } => Move::Proceed,
            State::Proving { .. } => {
                client.leave_file(id, &model.public).unwrap();
                self.prove(client, model, id, terms)
            }
            other => panic!("{other:?}"),
        };
        client.act(id, agreement::Move::Accuracy(action)).unwrap();
        true
    }

    fn receive(&mut self, view: &AgreementView, state: &transfer::State, due: &[u32], delivered: &[Vec<u8>]) -> Move {
        Move::Transfer(match state {
            transfer::State::Acknowledging { .. } => transfer::Move::Acknowledge,
            transfer::State::Checking { key, .. } => {
                self.examples = receive(view, key, delivered, due);
                transfer::Move::Accept
            }
            other => panic!("{other:?}"),
        })
    }

    pub fn prove(&self, client: &Client, model: &Model, id: AgreementId, terms: &Terms) -> Move {
        let inputs: Vec<&OpenedInput> = self.examples.iter().map(|(_, example)| &example.input).collect();
        let right = self.examples.iter().filter(|(_, example)| model.class(&example.input) == example.label.class()).count();
        let (output, labels) = match terms.evidence {
            Evidence::Outputs => (OutputForm::Shown, Vec::new()),
            Evidence::Count => {
                let label = |(_, example): &(u32, Example)| (example.label.class(), example.label.salt().unwrap().unwrap());
                let count = u32::try_from(right).unwrap();
                (OutputForm::Correct { k: 1, count }, self.examples.iter().map(label).collect())
            }
        };
        let proof = client.leave_file(id, &model.prove(&inputs, output, &labels, &context(id, STAGE))).unwrap();
        let opened: Vec<OpenedLabel> = self.examples.iter().filter_map(|(_, example)| example.label.opened()).collect();
        let labels = (terms.evidence == Evidence::Outputs).then(|| client.leave_file(id, &canonical(&opened)).unwrap());
        let example = |(index, example): &(u32, Example)| Member { index: *index, path: Path(example.path.0.clone()) };
        Move::Prove { proof, labels, examples: self.examples.iter().map(example).collect() }
    }
}

/// A provider's stake for its model.
pub fn stake(client: &Client, model: Digest) -> AgreementId {
    let StakeRules { lock, covers, .. } = Rules::default().stake;
    let terms = stake::Terms { provider: client.account(), model, amount: money(50_000), lock, covers, nonce: nonce() };
    client.open(agreement::Terms::Stake(terms)).unwrap()
}

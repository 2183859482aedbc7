//! What customers ask a provider directly.

use verinfer_items::OpenedInput;
use verinfer_protocols::agreement::{State, Terms};
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::transfer;
use verinfer_protocols::{accuracy, serving, stake};
use verinfer_sealing::{Envelope, ReceiverPublic};

use super::{Provider, SELF};
use crate::host::Host as _;
use crate::http::{Refused, Room, Service};
use crate::transfer::Transfer;
use crate::wire::{About, Ask, Ciphertexts, Offer, Topic};

impl Service for Provider {
    fn about(&self) -> Result<About, Refused> {
        let stake: Option<stake::Terms> = self.store.get(SELF, "stake")?;
        let offer =
            Offer::Predictions { model: self.model.digest(), stake: stake.map(|stake| Terms::Stake(stake).id(self.client.escrow())) };
        Ok(About::sign(&self.receiver.public(), offer, &self.key))
    }

    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused> {
        let content = envelope.open(&self.receiver, &topic.context(agreement))?;
        match topic {
            Topic::Ciphertexts => self.take_ciphertexts(agreement, &content),
            Topic::Input(index) => self.take_input(agreement, index, &content),
            Topic::Prediction(_) | Topic::Model => Err(Refused::not_now("a provider takes no such thing")),
        }
    }

    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask, room: &mut Room) -> Result<Envelope, Refused> {
        let Topic::Prediction(index) = topic else { return Err(Refused::not_now("a provider gives no such thing")) };
        let (Terms::Serving(terms), State::Serving(state)) = self.agreement(agreement)? else {
            return Err(Refused::not_now("the agreement is not about predictions"));
        };
        if !ask.is_signed_by(&terms.customer, agreement) {
            return Err(Refused::forbidden());
        }
        if !matches!(state, serving::State::Running { .. }) || index >= terms.inputs {
            return Err(Refused::not_now("the round is not going on"));
        }
        let prediction = canonical(&self.predict(agreement, index)?);
        room.take(prediction.len())?;
        Ok(Envelope::new(&ReceiverPublic(ask.receiver), &topic.context(agreement), &prediction)?)
    }
}

impl Provider {
    /// Whether an agreement about a model is for this provider.
    pub(super) fn check_model(&self, model: Digest) -> Result<(), &'static str> {
        if model == self.model.digest() { Ok(()) } else { Err("it is about another model") }
    }

    fn take_ciphertexts(&self, id: AgreementId, content: &[u8]) -> Result<(), Refused> {
        let view = self.desk().view(id)?;
        let state = match (&view.agreement.terms, &view.agreement.state) {
            (Terms::Accuracy(terms), State::Accuracy(state)) if terms.provider == self.client.account() => state,
            _ => return Err(Refused::not_now("the agreement is not about the accuracy of this provider")),
        };
        let (accuracy::State::First { transfer, .. } | accuracy::State::Second { transfer, .. }) = state else {
            return Err(Refused::not_now("no transfer is going on"));
        };
        let transfer::State::Acknowledging { ciphertexts: announced, .. } = transfer else {
            return Err(Refused::not_now("no ciphertexts are due"));
        };
        let Ciphertexts(ciphertexts) = postcard::from_bytes(content).map_err(|error| Refused::wrong(&error))?;
        let transfer = Transfer { client: &self.client, store: &self.store, agreement: id, stage: &view.stage };
        transfer.keep(announced, &ciphertexts)?.map_err(|error| Refused::wrong(&error))
    }

    fn take_input(&self, id: AgreementId, index: u32, content: &[u8]) -> Result<(), Refused> {
        let (Terms::Serving(terms), State::Serving(serving::State::Confirming { inputs, .. })) = self.agreement(id)? else {
            return Err(Refused::not_now("no inputs are due"));
        };
        let committed = usize::try_from(index).ok().and_then(|index| inputs.get(index));
        let (true, Some(committed)) = (terms.provider == self.client.account(), committed) else {
            return Err(Refused::not_now("this input is not due"));
        };
        let input: OpenedInput = postcard::from_bytes(content).map_err(|error| Refused::wrong(&error))?;
        if self.keep_input(id, index, committed, &input)? {
            Ok(())
        } else {
            Err(Refused::wrong(&"it is not the input that was committed to"))
        }
    }

    fn agreement(&self, id: AgreementId) -> Result<(Terms, State), Refused> {
        let agreement = self.desk().view(id)?.agreement;
        Ok((agreement.terms, agreement.state))
    }
}

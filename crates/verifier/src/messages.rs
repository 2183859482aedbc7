//! Masked messages: what the verifier receives, and what it has yet to check about them.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::affine::Affine;
use verinfer_relation::field::K;
use verinfer_relation::masks::MaskPlan;
use verinfer_relation::steps;
use verinfer_relation::transcript::{Challenger, VerifierTranscript};

use crate::error::VerifyError;

/// Reads masked messages and collects the forms that must be zero.
pub struct Messages<'t, 'b, C> {
    transcript: &'t mut VerifierTranscript<'b, C>,
    plan: &'t MaskPlan,
    num_received: usize,
    num_products: usize,
    checks: Vec<Affine>,
}

impl<'t, 'b, C: Challenger> Messages<'t, 'b, C> {
    /// Before the first masked message.
    pub fn new(transcript: &'t mut VerifierTranscript<'b, C>, plan: &'t MaskPlan) -> Self {
        Self { transcript, plan, num_received: 0, num_products: 0, checks: Vec::new() }
    }

    /// Receives `N` messages under the next `N` pads.
    pub fn receive<const N: usize>(&mut self, label: &'static str) -> Result<[Affine; N], VerifyError> {
        let messages = self.transcript.receive::<N>(label)?;
        let mut pad = self.num_received;
        self.num_received = self.num_received.saturating_add(N);
        Ok(messages.map(|message| {
            let form = Affine::masked(message, pad);
            pad = pad.saturating_add(1);
            form
        }))
    }

    /// Receives an element that is sent as it is.
    pub fn receive_plain(&mut self, label: &'static str) -> Result<K, VerifyError> {
        let [value] = self.transcript.receive(label)?;
        Ok(value)
    }

    /// The product of two messages, whose pads are the next pair of the plan.
    pub fn product(&mut self, x: &Affine, y: &Affine) -> Result<Affine, VerifyError> {
        let pair = self.plan.pairs().get(self.num_products).ok_or(VerifyError::Parameters)?;
        let is_masked_by = |form: &Affine, pad: usize| form.terms == [(pad, -K::ONE)];
        if !is_masked_by(x, pair.0) || !is_masked_by(y, pair.1) {
            return Err(VerifyError::Parameters);
        }
        let product = self.plan.product(self.num_products);
        self.num_products = self.num_products.saturating_add(1);
        Ok(Affine::product(x, y, product))
    }

    /// Demands that a form be zero.
    pub fn require_zero(&mut self, form: Affine) {
        self.checks.push(form);
    }

    /// Draws a challenge.
    pub fn state(&mut self) -> &mut C {
        self.transcript.state()
    }

    /// Sacrifices a triple for each product of pads, and combines everything that must be zero into one form.
    ///
    /// For pads `x, y` with claimed product `z`, a triple `(a, b, c)` and a challenge `tau`, the prover shows `e = tau x - a` and `d = y - b`. Then
    /// `tau z - c - e b - d a - e d = tau (z - x y) - (c - a b)`, which is zero for at most one `tau` unless both products are right.
    ///
    /// Refuses a walk that has not used the plan up: a pad or a product beyond it would be a secret that nothing checks.
    pub fn finish(mut self) -> Result<Affine, VerifyError> {
        if self.num_received != self.plan.num_messages() || self.num_products != self.plan.pairs().len() {
            return Err(VerifyError::Parameters);
        }
        let tau = self.state().challenge(steps::SACRIFICE);
        for (pair, &(x, y)) in self.plan.pairs().iter().enumerate() {
            let [e, d] = self.transcript.receive(steps::SACRIFICE)?;
            let [x, y, product] = [x, y, self.plan.product(pair)].map(Affine::secret);
            let triple = self.plan.triple(pair);
            let [a, b, c] = [triple.a, triple.b, triple.c].map(Affine::secret);
            self.checks.push(Affine::known(e).plus(-tau, &x).plus(K::ONE, &a));
            self.checks.push(Affine::known(d).plus(-K::ONE, &y).plus(K::ONE, &b));
            self.checks.push(Affine::known(-(e * d)).plus(tau, &product).plus(-K::ONE, &c).plus(-e, &b).plus(-d, &a));
        }
        let eta = self.state().challenge(steps::SACRIFICE);
        Ok(self.checks.iter().rev().fold(Affine::default(), |sum, check| check.plus(eta, &sum)))
    }
}

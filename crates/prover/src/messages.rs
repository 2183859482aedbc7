//! Masked messages: what the prover says in steps 3 to 5 is hidden by committed pads.

use verinfer_relation::field::K;
use verinfer_relation::masks::MaskPlan;
use verinfer_relation::steps;
use verinfer_relation::transcript::{ProverTranscript, Transcript};

/// Sends messages under the next pads.
pub struct Messages<'a> {
    transcript: &'a mut ProverTranscript,
    secrets: &'a [K],
    num_sent: usize,
}

impl<'a> Messages<'a> {
    /// Before the first masked message; `secrets` as [`MaskPlan`] orders them.
    pub fn new(transcript: &'a mut ProverTranscript, secrets: &'a [K]) -> Self {
        Self { transcript, secrets, num_sent: 0 }
    }

    /// Sends each value plus its pad.
    pub fn send(&mut self, label: &'static str, values: &[K]) {
        let pads = &self.secrets[self.num_sent..][..values.len()];
        let masked: Vec<K> = values.iter().zip(pads).map(|(&value, &pad)| value + pad).collect();
        self.num_sent += values.len();
        self.transcript.send(label, &masked);
    }

    /// Sends a value as it is.
    pub fn send_plain(&mut self, label: &'static str, value: K) {
        self.transcript.send(label, &[value]);
    }

    /// Draws a challenge.
    pub fn state(&mut self) -> &mut Transcript {
        self.transcript.state()
    }

    /// Sacrifices the triples.
    pub fn finish(mut self, plan: &MaskPlan) {
        debug_assert_eq!(self.num_sent, plan.num_messages());
        let tau = self.state().challenge(steps::SACRIFICE);
        for (pair, &(x, y)) in plan.pairs().iter().enumerate() {
            let triple = plan.triple(pair);
            let secrets = self.secrets;
            self.transcript.send(steps::SACRIFICE, &[tau * secrets[x] - secrets[triple.a], secrets[y] - secrets[triple.b]]);
        }
    }
}

//! What can be played between an escrow, a party that serves and one that asks, and what each must have at the end.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Accuracy,
    Serving,
    Retrieval,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Server,
    Asker,
}

/// A run: who is honest, and what the one that asks and the one that serves have at the end more than at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    pub protocol: Protocol,
    /// The party that breaks the rules, and how.
    pub cheat: Option<(Side, &'static str)>,
    /// More options of the one that asks.
    pub options: &'static str,
    /// What the end of the agreement says.
    pub outcome: &'static str,
    pub changes: [i64; 2],
    pub fees: u64,
}

/// Accuracy: E = 50, Z = 20, P = 5, N1 = 3, N2 = 7, a fee of 3 each.
const PRICE: i64 = 2 * (3 * 5 + 7 * 20);
const LOSS: i64 = 2 * 10 * 50;
/// Stays with the escrow.
pub const STAKE: i64 = 150_000;

/// Serving: Z = 20, 5 for a prediction, beta = 3, K = 4, K1 = 3. Retrieval: a price of 100 and a bond of 500.
const PROVED: i64 = 2 * 3 * 20 + 4 * 5;
const NOT_PROVED: i64 = 3 * 4 * 20;

/// Long enough for an honest party that is killed and started again, short enough to be waited for.
const HURRIED: &str = "--respond 8 --prove 12";

impl Play {
    pub const HONEST: [Self; 3] = [
        Self::accuracy(None, "", "target_met", PRICE),
        Self { protocol: Protocol::Serving, cheat: None, options: "", outcome: "proved", changes: [-PROVED, PROVED], fees: 0 },
        Self::retrieval(None, "", "fulfilled", [-100, 100]),
    ];

    /// One party does something else than it should.
    pub const CHEATING: [Self; 7] = [
        Self::accuracy(Some((Side::Asker, "other-items")), "", "wrong_data", LOSS),
        Self::accuracy(Some((Side::Asker, "other-key")), "", "wrong_data", LOSS),
        Self::accuracy(Some((Side::Server, "false-contest")), "", "false_contest", -LOSS),
        Self::unproved_round("other-model"),
        Self::retrieval(Some((Side::Server, "other-items")), "", "wrong_data", [500, -500]),
        Self::retrieval(Some((Side::Server, "other-key")), "", "wrong_data", [500, -500]),
        Self::retrieval(Some((Side::Asker, "false-contest")), "", "false_contest", [-100, 100]),
    ];

    /// What one party sends does not reach the other, or so one of them says: it goes through the escrow, and nobody is at fault.
    pub const UNDELIVERED: [Self; 5] = [
        Self::accuracy(Some((Side::Server, "deaf")), HURRIED, "target_met", PRICE),
        Self::accuracy(Some((Side::Server, "missing")), "", "target_met", PRICE),
        Self::accuracy(Some((Side::Asker, "withhold")), HURRIED, "target_met", PRICE),
        Self::retrieval(Some((Side::Server, "withhold")), HURRIED, "fulfilled", [-100, 100]),
        Self::retrieval(Some((Side::Asker, "missing")), "", "fulfilled", [-100, 100]),
    ];

    /// Other ways to be honest.
    pub const VARIANTS: [Self; 1] = [Self::accuracy(None, "--evidence count", "target_met", PRICE)];

    /// One party makes no move any more: the provider after each of its moves, ...
    pub const SILENT: [Self; 20] = [
        Self::silent_provider("silent --moves 1"),
        Self::silent_provider("silent --moves 2"),
        Self::silent_provider("silent --moves 3"),
        Self::silent_provider("silent --moves 4"),
        Self::silent_provider("silent --moves 5"),
        Self::silent_provider("silent --moves 6"),
        Self::silent_provider("silent --moves 7"),
        // ... its customer, ...
        Self::silent_customer("silent --moves 1"),
        Self::silent_customer("silent --moves 2"),
        Self::silent_customer("silent --moves 3"),
        Self::silent_customer("silent --moves 4"),
        Self::silent_customer("silent --moves 5"),
        // ... a provider of predictions that does not prove them, ...
        Self::unproved_round("silent --moves 2"),
        // ... a responder, ...
        Self::silent_responder("silent --moves 1"),
        Self::silent_responder("silent --moves 2"),
        Self::silent_responder("silent --moves 4"),
        Self::silent_responder("silent --moves 5"),
        // ... and a requester.
        Self::silent_requester("silent --moves 1"),
        Self::silent_requester("silent --moves 2"),
        Self::silent_requester("silent --moves 3"),
    ];

    const fn accuracy(cheat: Option<(Side, &'static str)>, options: &'static str, outcome: &'static str, paid: i64) -> Self {
        Self { protocol: Protocol::Accuracy, cheat, options, outcome, changes: [-paid - 3, paid - 3 - STAKE], fees: 6 }
    }

    const fn unproved_round(how: &'static str) -> Self {
        let (cheat, changes) = (Some((Side::Server, how)), [NOT_PROVED, -NOT_PROVED]);
        Self { protocol: Protocol::Serving, cheat, options: HURRIED, outcome: "not_proved", changes, fees: 0 }
    }

    const fn retrieval(cheat: Option<(Side, &'static str)>, options: &'static str, outcome: &'static str, changes: [i64; 2]) -> Self {
        Self { protocol: Protocol::Retrieval, cheat, options, outcome, changes, fees: 0 }
    }

    const fn silent_provider(how: &'static str) -> Self {
        Self::accuracy(Some((Side::Server, how)), "--respond 8 --prove 12 --decide 8", "silence", -LOSS)
    }

    const fn silent_customer(how: &'static str) -> Self {
        Self::accuracy(Some((Side::Asker, how)), HURRIED, "silence", LOSS)
    }

    const fn silent_responder(how: &'static str) -> Self {
        Self::retrieval(Some((Side::Server, how)), "--respond 8 --prove 12 --declare 8", "silence", [500, -500])
    }

    const fn silent_requester(how: &'static str) -> Self {
        Self::retrieval(Some((Side::Asker, how)), HURRIED, "silence", [-100, 100])
    }

    /// The command of the one that serves.
    pub fn serves(&self) -> Vec<&'static str> {
        let (honest, name, rest) = match self.protocol {
            Protocol::Accuracy => ("provider serve", "provider", "digits --secret VSK --stake 150000 --batch 3 --proceed always"),
            Protocol::Serving => ("provider serve", "provider", "digits --secret VSK --batch 1"),
            Protocol::Retrieval => (
                "retrieval respond",
                "responder",
                "digits sample:0 sample:1 sample:2 sample:3 sample:4 sample:5 sample:6 sample:7 --bond 500 --batch 3 --approve digits --question 3/2",
            ),
        };
        self.command(Side::Server, honest, name, rest)
    }

    /// The command of the one that asks.
    pub fn asks(&self) -> Vec<&'static str> {
        let (honest, name, rest) = match self.protocol {
            Protocol::Accuracy => (
                "customer accuracy",
                "customer",
                "digits --example-price 50 --proof-price 20 --inference-price 5 --fee 3 --first 3 --target 6 --provider URL --provider-account SERVER \
                 --commitment VCM --test-set SET",
            ),
            Protocol::Serving => (
                "customer serving",
                "",
                "digits sample:0 sample:1 sample:2 sample:3 --proof-price 20 --prediction-price 5 --beta 3 --contest 3 --provider URL --provider-account SERVER \
                 --commitment VCM",
            ),
            Protocol::Retrieval => (
                "retrieval request",
                "requester",
                "digits --class 3 --top 2 --sample 6 --price 100 --bond 500 --responder URL --responder-account SERVER --corpus CORPUS",
            ),
        };
        let mut command = self.command(Side::Asker, honest, name, rest);
        command.extend(self.options.split_whitespace());
        command
    }

    fn command(&self, side: Side, honest: &'static str, name: &'static str, rest: &'static str) -> Vec<&'static str> {
        let parts = match self.cheat {
            Some((cheat, how)) if cheat == side => ["demo cheat --how", how, name, rest],
            Some(_) | None => ["", "", honest, rest],
        };
        parts.iter().flat_map(|part| part.split_whitespace()).collect()
    }
}

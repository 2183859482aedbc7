//! Changes of messages and of statements.

use verinfer_relation::commitment::Commitment;
use verinfer_relation::field::decode_base;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, PublicTensor, Statement};
use verinfer_relation::transcript::Message;

use crate::random::Rng;

/// Changes one message of a body, in fields: elements at the ends of their range, those of other messages, messages exchanged, removed or repeated.
pub fn message(body: &[u8], messages: &[Message], random: &mut Rng) -> Vec<u8> {
    let mut body = body.to_vec();
    // Rows and siblings are most of the messages.
    let label = random.pick(messages).label;
    let label = if random.one_in(2) { label } else { LABELS[random.below(LABELS.len())] };
    let labelled: Vec<&Message> = messages.iter().filter(|message| message.label == label).collect();
    let message = if labelled.is_empty() { random.pick(messages) } else { random.pick(&labelled) };
    let range = message.offset..message.offset + message.len;
    let at = range.start + 8 * random.below(message.len / 8);
    match random.below(8) {
        0 => body[range.start + random.below(message.len)] ^= 1 << random.below(8),
        1 | 2 => {
            // Ends of the range of an element, and just beyond.
            let order = 0xffff_ffff_0000_0001u64;
            let value = *random.pick(&[0, 1, order - 1, order, order + 1, u64::MAX, 1 << 63]);
            let len = [8, 24, message.len][random.below(3)].min(range.end - at);
            body[at..at + len].as_chunks_mut().0.iter_mut().for_each(|word| *word = value.to_le_bytes());
        }
        3 => {
            let value = element(random);
            body[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        4 => {
            let other = random.pick(messages);
            let len = other.len.min(message.len);
            body.copy_within(other.offset..other.offset + len, message.offset);
        }
        5 => drop(body.drain(range)),
        6 => {
            let copy = body[range.clone()].to_vec();
            body.splice(range.start..range.start, copy);
        }
        _ => body.truncate(range.start + if random.one_in(2) { 0 } else { random.below(message.len) }),
    }
    body
}

const LABELS: [&str; 10] = [
    "denominator",
    "accumulators",
    "contraction ends",
    "scaling ends",
    "sacrifice",
    "mask sum",
    "blinding",
    "out of domain",
    "final polynomial",
    "final round",
];

/// The messages of one body up to one of them, and of another from there on.
pub fn splice(first: (&[u8], &[Message]), second: (&[u8], &[Message]), random: &mut Rng) -> Vec<u8> {
    let place = random.below(first.1.len().min(second.1.len()));
    let at = |messages: &[Message]| messages.get(place).map_or(0, |message| message.offset);
    [&first.0[..at(first.1)], &second.0[at(second.1)..]].concat()
}

/// Changes what is claimed: integers at the ends of their range, other numbers of images, other forms, other commitments.
pub fn statement(statement: &mut Statement, other: &Statement, random: &mut Rng) {
    match random.below(9) {
        0 => statement.security_level = *random.pick(&[0, 19, 20, 21, 64, 100, 128, 129, u16::MAX]),
        1 => statement.context = vec![0; *random.pick(&[0, 1, 1 << 16, (1 << 16) + 1])],
        2 => statement.images = random.extreme(),
        3 => statement.images = [0, 1, 2, 3, 5, 17, 64][random.below(7)],
        4 => statement.model = other.model.clone(),
        5 => statement.input = other.input.clone(),
        6 => statement.output = other.output.clone(),
        7 => change_model(&mut statement.model, random),
        _ => {
            let images = statement.images as usize;
            statement.output = output(images.min(64), other, random);
        }
    }
    if random.one_in(2) {
        follow(statement, random);
    }
    if random.one_in(4) {
        change_values(statement, random);
    }
}

/// Makes everything that is there once for each image as many as the images.
fn follow(statement: &mut Statement, random: &mut Rng) {
    let images = statement.images.min(64) as usize;
    statement.images = images as u32;
    let tensor = |tensor: &mut PublicTensor| {
        let len = tensor.shape.num_elements() * images;
        tensor.values = tensor.values.iter().copied().cycle().take(len).collect();
    };
    let fill = |commitments: &mut Vec<Commitment>| *commitments = commitments.iter().copied().cycle().take(images).collect();
    match &mut statement.input {
        InputClaim::Shown(shown) => tensor(shown),
        InputClaim::Hidden(commitments) => fill(commitments),
    }
    match &mut statement.output {
        OutputClaim::Shown(shown) => tensor(shown),
        OutputClaim::Hidden(commitments) | OutputClaim::Correct { labels: commitments, .. } => fill(commitments),
        OutputClaim::Rank { labels, .. } => labels.resize_with(images, || random.extreme()),
        OutputClaim::AtLeast { .. } => {}
        OutputClaim::Decided { holds, .. } => holds.resize(images, random.below(2) == 0),
    }
}

/// An output's claim of any form.
fn output(images: usize, other: &Statement, random: &mut Rng) -> OutputClaim {
    let commitments = |random: &mut Rng| (0..images).map(|_| commitment(random)).collect();
    match random.below(6) {
        0 => OutputClaim::Hidden(commitments(random)),
        1 => OutputClaim::Rank { labels: (0..images).map(|_| random.extreme()).collect(), k: random.extreme() },
        2 => OutputClaim::AtLeast { class: random.extreme(), value: random.extreme() as u16 as i16 },
        3 => OutputClaim::Correct { labels: commitments(random), k: random.extreme(), count: random.extreme() },
        4 => {
            let (class, value) = (random.extreme(), random.extreme() as u16 as i16);
            let predicate = match random.below(2) {
                0 => Predicate::Top { class, k: random.extreme() },
                _ => Predicate::AtLeast { class, value },
            };
            OutputClaim::Decided { predicate, holds: (0..images).map(|_| random.below(2) == 0).collect() }
        }
        _ => other.output.clone(),
    }
}

fn change_model(model: &mut ModelClaim, random: &mut Rng) {
    match model {
        ModelClaim::Public { digest } => digest[random.below(32)] ^= 1,
        ModelClaim::Hidden { architecture, envelope, commitment: of_model } => match random.below(3) {
            0 => architecture[random.below(32)] ^= 1,
            1 => envelope.limb_bits = random.next() as u8,
            _ => **of_model = commitment(random),
        },
    }
}

fn change_values(statement: &mut Statement, random: &mut Rng) {
    if let InputClaim::Shown(tensor) = &mut statement.input
        && !tensor.values.is_empty()
    {
        let at = random.below(tensor.values.len());
        tensor.values[at] ^= 1;
        if random.one_in(2) {
            tensor.shape.height = random.extreme() as usize;
        }
    }
    if let OutputClaim::Shown(tensor) = &mut statement.output {
        tensor.shape.channels = random.extreme() as usize;
    }
}

fn element(random: &mut Rng) -> u64 {
    loop {
        let value = random.next();
        if decode_base(value.to_le_bytes()).is_some() {
            return value;
        }
    }
}

pub fn commitment(random: &mut Rng) -> Commitment {
    Commitment(std::array::from_fn(|_| decode_base(element(random).to_le_bytes()).unwrap_or_default()))
}

//! Who of several classes is ahead.

/// How many classes are ahead of one: those with a higher score, and before it those with the same. `None` if there is no such class.
pub fn rank(scores: &[i16], class: u32) -> Option<usize> {
    let place = usize::try_from(class).ok()?;
    let own = *scores.get(place)?;
    let is_ahead = |(other, score): &(usize, &i16)| **score > own || (**score == own && *other < place);
    Some(scores.iter().enumerate().filter(is_ahead).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_scores_the_first_is_ahead() {
        assert_eq!((0..5).map(|class| rank(&[3, 7, 7, -1], class)).collect::<Vec<_>>(), [Some(2), Some(0), Some(1), Some(3), None]);
    }
}

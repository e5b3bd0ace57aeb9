//! The known words nearest to a misspelled one. Pure.

/// The longest word that is compared, in characters: nothing that Smoker knows is longer, and a comparison
/// takes time by the product of both lengths.
pub const MAX_WORD: usize = 64;

/// A word is near when at most one character in so many differs.
const CHARACTERS_PER_TYPO: usize = 3;

/// The shortest word that is taken for the beginning of a longer one.
const SHORTEST_BEGINNING: usize = 3;

/// Those of `known` that `word` may be a misspelling of, the nearest first, `at_most` of them. Upper and
/// lower case are the same. A word is near when at most every third character differs, or when it begins with
/// `word`.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, at_most: usize) -> Vec<&'a str> {
    let Some(word) = lower_case(word) else { return vec![] };
    let allowed = (word.len() / CHARACTERS_PER_TYPO).max(1);
    let rank = |candidate: &'a str| {
        let characters = lower_case(candidate)?;
        let typos = distance(&word, &characters);
        let begins = word.len() >= SHORTEST_BEGINNING && characters.starts_with(&word);
        // A single character is one typo away from every other.
        let is_near = typos <= allowed && typos < word.len();
        (is_near || begins).then_some((!is_near, typos, candidate))
    };
    let mut ranked: Vec<_> = known.into_iter().filter_map(rank).collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(at_most).map(|(.., candidate)| candidate).collect()
}

/// Its characters; `None` past [`MAX_WORD`].
fn lower_case(word: &str) -> Option<Vec<char>> {
    let characters: Vec<char> = word.chars().take(MAX_WORD + 1).map(|c| c.to_ascii_lowercase()).collect();
    (characters.len() <= MAX_WORD).then_some(characters)
}

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour to turn one
/// word into the other (optimal string alignment).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = vec![];
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for row in 1..=from.len() {
        let mut current = vec![row];
        for column in 1..=to.len() {
            let is_other = from[row - 1] != to[column - 1];
            let replaced = above[column - 1] + usize::from(is_other);
            let mut least = replaced.min(above[column] + 1).min(current[column - 1] + 1);
            let is_swapped =
                row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1];
            if is_swapped {
                least = least.min(before[column - 2] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typos(from: &str, to: &str) -> usize {
        distance(&lower_case(from).unwrap(), &lower_case(to).unwrap())
    }

    #[test]
    fn a_typo_is_a_character_more_less_other_or_swapped() {
        for (from, to, count) in [
            ("", "", 0),
            ("", "mtu", 3),
            ("mtu", "", 3),
            ("mtu", "mtu", 0),
            ("mtu", "mtuu", 1),
            ("mtu", "mt", 1),
            ("mtu", "mtx", 1),
            ("mtu", "tmu", 1),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(typos(from, to), count, "{from} {to}");
            assert_eq!(typos(to, from), count, "{to} {from}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_no_more_than_were_asked_for() {
        let known = ["conntrack", "connect", "local", "loss", "lost", "lost", "unknown"];
        assert_eq!(nearest("contrack", known, 3), ["conntrack"]);
        assert_eq!(nearest("LOSS", known, 3), ["loss", "lost"]);
        assert_eq!(nearest("LOSS", known, 1), ["loss"]);
        assert_eq!(nearest("conn", known, 3), ["connect", "conntrack"]);
        assert_eq!(nearest("co", known, 3), [""; 0]);
        assert_eq!(nearest("gateway", known, 3), [""; 0]);
        assert_eq!(nearest("", known, 3), [""; 0]);
        assert_eq!(nearest("x", ["y", "xy"], 3), [""; 0]);
    }

    #[test]
    fn words_up_to_the_limit_are_compared_and_none_past_it() {
        let longest = "é".repeat(MAX_WORD);
        let longer = "é".repeat(MAX_WORD + 1);
        assert_eq!(nearest(&longest, [&*longest], 1), [&*longest]);
        assert_eq!(nearest(&longest, [&*longer], 1), [""; 0]);
        assert_eq!(nearest(&longer, [&*longest], 1), [""; 0]);
    }
}

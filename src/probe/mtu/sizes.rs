//! Which sizes to try next, and whether silence about the large ones is more than chance. Pure.

/// What links and tunnels carry: jumbo frames, Ethernet, and Ethernet less the headers of `PPPoE`, IPIP, GRE,
/// VXLAN, Geneve, `IPsec` and `WireGuard`; the least of IPv6 (RFC 8200, 5) and of IPv4 hosts (RFC 1122,
/// 3.3.2).
const COMMON: [u32; 24] = [
    576, 1024, 1200, 1280, 1300, 1320, 1350, 1370, 1376, 1380, 1400, 1410, 1420, 1430, 1440, 1450, 1460,
    1476, 1480, 1492, 1500, 8950, 9000, 9001,
];

/// The sizes of one attempt that are not [`COMMON`]: three attempts leave one of 4,096.
const STEPS: u32 = 15;

/// How unlikely it must be that the large datagrams were lost by chance: one in 10,000.
const CHANCE: f64 = 1e-4;

/// A datagram that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) size: u32,
    pub(super) answered: bool,
}

/// The sizes to try between `passed`, which passes, and `too_large`, which does not, in ascending order: the
/// common ones while there are any, then some that cut the gap in equal parts. `None` where there is no gap.
pub(super) fn between(passed: u32, too_large: u32) -> Option<Vec<u32>> {
    let gap = passed + 1..too_large;
    if gap.is_empty() {
        return None;
    }
    let common: Vec<u32> = COMMON.into_iter().filter(|size| gap.contains(size)).collect();
    if !common.is_empty() {
        return Some(common);
    }
    let steps = STEPS.min(too_large - passed - 1);
    Some((1..=steps).map(|step| passed + (too_large - passed) * step / (steps + 1)).collect())
}

/// Whether the datagrams larger than `passed` are too large, and were not lost at random: the loss of those
/// that fit is the loss that any datagram may have.
pub(super) fn are_too_large(sent: &[Sent], passed: u32) -> bool {
    let (fit, large): (Vec<Sent>, Vec<Sent>) = sent.iter().partition(|sent| sent.size <= passed);
    let lost = fit.iter().filter(|sent| !sent.answered).count();
    // Laplace's rule of succession: none lost of few is no proof. Some of few may be half of the real loss.
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let chance = ((2 * lost + 1) as f64 / (fit.len() + 2) as f64).min(1.0);
    chance.powi(i32::try_from(large.len()).unwrap_or(i32::MAX)) < CHANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_sizes_come_first_and_then_the_gap_is_cut_in_equal_parts() {
        assert_eq!(between(1280, 1376).unwrap(), [1300, 1320, 1350, 1370]);
        assert_eq!(between(1400, 1410).unwrap(), [1401, 1402, 1403, 1404, 1405, 1406, 1407, 1408, 1409]);
        assert_eq!(between(1500, 1516).unwrap(), (1501..1516).collect::<Vec<_>>());
        assert_eq!(between(1500, 1516 + 1).unwrap().len(), 15);
        assert_eq!(between(1408, 1410), Some(vec![1409]));
        assert_eq!(between(1409, 1410), None);
        assert_eq!(between(1500, 1500), None);
    }

    /// Every path MTU is found, and in few attempts.
    #[test]
    fn every_mtu_is_found() {
        for (smallest, interface) in [(88, 1500), (88, 9000), (108, 65_535)] {
            for mtu in smallest..interface {
                let (mut passed, mut too_large, mut attempts) = (smallest, interface, 0);
                while let Some(sizes) = between(passed, too_large) {
                    assert!(
                        sizes.is_sorted() && sizes.iter().all(|size| (passed + 1..too_large).contains(size))
                    );
                    passed = sizes.iter().copied().rfind(|size| *size <= mtu).unwrap_or(passed);
                    too_large = sizes.iter().copied().find(|size| *size > mtu).unwrap_or(too_large);
                    attempts += 1;
                }
                assert_eq!(passed, mtu);
                assert!(attempts <= if mtu < 1500 { 4 } else { 6 }, "{attempts} attempts for {mtu}");
            }
        }
    }

    /// `lost` of 100 that fit were lost, and `large` that do not fit.
    fn sent(lost: usize, large: usize) -> Vec<Sent> {
        let of = |size, answered, count| std::iter::repeat_n(Sent { size, answered }, count);
        of(1400, true, 100 - lost).chain(of(100, false, lost)).chain(of(1500, false, large)).collect()
    }

    #[test]
    fn silence_about_large_datagrams_is_weighed_against_the_loss_of_others() {
        for (lost, large, certain) in
            [(0, 2, true), (0, 1, false), (10, 6, true), (10, 5, false), (50, 100, false)]
        {
            assert_eq!(are_too_large(&sent(lost, large), 1400), certain, "{lost} lost, {large} large");
        }
        assert!(!are_too_large(&sent(0, 0), 1400));
        assert!(!are_too_large(&[], 0));
    }
}

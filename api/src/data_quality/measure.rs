//! From where to where something is known, of times or of blocks, and its gaps → how much of it is missing: whole
//! numbers, and a share of them that is never rounded up.

/// From its first point up to the one behind its last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) from: Option<i64>,
    /// Not known of a gap that goes on.
    pub(super) to: Option<i64>,
    pub(super) is_open: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) since: Option<i64>,
    pub(super) until: Option<i64>,
    pub(super) missing: Option<u64>,
    pub(super) covered_pct: Option<String>,
    /// Why something is not known.
    pub(super) reason: Option<&'static str>,
}

impl Measure {
    /// Gaps may lie before and behind what is known otherwise: where they begin and end is known as well.
    pub(super) fn of(
        known: Option<(i64, i64)>,
        gaps: impl Iterator<Item = Stretch> + Clone,
        nothing: &'static str,
    ) -> Self {
        let Some(known) = known else { return Self { reason: Some(nothing), ..Self::default() } };
        let ends = gaps.clone().flat_map(|gap| [gap.from, gap.to]).flatten();
        let (since, until) = ends.fold(known, |(since, until), end| (since.min(end), until.max(end)));
        let whole = Self { since: Some(since), until: Some(until), ..Self::default() };
        let open = gaps.filter(|gap| gap.is_open).map(|gap| Some((gap.from?, gap.to.unwrap_or(until))));
        let Some(open) = open.collect::<Option<Vec<_>>>() else {
            return Self { reason: Some("a_gap_has_no_beginning"), ..whole };
        };
        let missing = length(open);
        let covered_pct = percent(until.abs_diff(since) - missing, until.abs_diff(since));
        let reason = covered_pct.is_none().then_some("nothing_between_since_and_until");
        Self { missing: Some(missing), covered_pct, reason, ..whole }
    }
}

/// Of stretches that may overlap.
fn length(mut stretches: Vec<(i64, i64)>) -> u64 {
    stretches.sort_unstable();
    let (mut length, mut end) = (0, i64::MIN);
    for (from, to) in stretches {
        let from = from.max(end);
        if to > from {
            length += to.abs_diff(from);
            end = to;
        }
    }
    length
}

const MILLIONTHS: u128 = 1_000_000;

/// With six places. What is not all is never told as 100.
fn percent(part: u64, whole: u64) -> Option<String> {
    let millionths = (u128::from(part) * 100 * MILLIONTHS).checked_div(u128::from(whole))?;
    Some(format!("{}.{:06}", millionths / MILLIONTHS, millionths % MILLIONTHS))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn measure(known: (i64, i64), gaps: &[Stretch]) -> Measure {
        Measure::of(Some(known), gaps.iter().copied(), "nothing")
    }

    fn open(from: i64, to: i64) -> Stretch {
        Stretch { from: Some(from), to: Some(to), is_open: true }
    }

    #[test]
    fn a_share_is_exact_and_never_rounded_up() {
        for (part, whole, share) in [
            (0, 1, Some("0.000000")),
            (1, 1, Some("100.000000")),
            (2, 3, Some("66.666666")),
            (u64::MAX - 1, u64::MAX, Some("99.999999")),
            (u64::MAX, u64::MAX, Some("100.000000")),
            (0, 0, None),
        ] {
            assert_eq!(percent(part, whole).as_deref(), share, "{part} of {whole}");
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        let nothing = Measure::of(None, [open(1, 2)].into_iter(), "nothing");
        assert_eq!(nothing, Measure { reason: Some("nothing"), ..Measure::default() });
        let (beginning, end) = (Stretch { from: None, ..open(0, 20) }, Stretch { to: None, ..open(30, 0) });
        let unknown = measure((10, 50), &[beginning]);
        assert_eq!((unknown.missing, unknown.reason), (None, Some("a_gap_has_no_beginning")));
        let healed = measure((10, 50), &[Stretch { is_open: false, ..beginning }, end]);
        assert_eq!((healed.missing, healed.covered_pct.as_deref()), (Some(20), Some("50.000000")));
        assert_eq!(measure((10, 10), &[]).reason, Some("nothing_between_since_and_until"));
    }

    #[test]
    fn nothing_overflows() {
        let all = measure((i64::MIN, i64::MAX), &[open(i64::MIN, i64::MAX), open(5, 4)]);
        assert_eq!((all.missing, all.covered_pct.as_deref()), (Some(u64::MAX), Some("0.000000")));
    }

    /// Point by point: what is missing lies in an open gap.
    #[test]
    fn what_is_missing_is_counted_once() {
        let mut random: u32 = 1;
        let mut next = |below: i64| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i64::from(random >> 8) % below
        };
        for _ in 0..2000 {
            let known = (50 + next(10), 70 + next(10));
            let gaps: Vec<Stretch> = (0..next(6))
                .map(|_| {
                    let from = 40 + next(40);
                    Stretch { is_open: next(3) > 0, ..open(from, from + next(12)) }
                })
                .collect();
            let measured = measure(known, &gaps);
            let ends = gaps.iter().flat_map(|gap| [gap.from.unwrap(), gap.to.unwrap()]);
            let ends: Vec<i64> = ends.chain([known.0, known.1]).collect();
            let (since, until) = (*ends.iter().min().unwrap(), *ends.iter().max().unwrap());
            let holds = |gap: &Stretch, point: i64| (gap.from.unwrap()..gap.to.unwrap()).contains(&point);
            let is_missing = |point: &i64| gaps.iter().any(|gap| gap.is_open && holds(gap, *point));
            let missing = (since..until).filter(is_missing).count() as u64;
            assert_eq!((measured.since, measured.until, measured.missing), (Some(since), Some(until), Some(missing)));
        }
    }
}

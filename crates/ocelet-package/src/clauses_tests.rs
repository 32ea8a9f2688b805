//! Clauses against the trial of all assignments.

use proptest::prelude::*;

use super::*;

/// Decides all variables, as present where nothing speaks against it.
fn model(variables: u32, clauses: &[Vec<(u32, bool)>]) -> Option<Vec<bool>> {
    let mut state = Clauses::new(variables as usize);
    for clause in clauses {
        let literal =
            |(id, present): &(u32, bool)| if *present { Literal::present(*id) } else { Literal::absent(*id) };
        let mut literals: Vec<Literal> = clause.iter().map(literal).collect();
        literals.dedup();
        state.add(literals);
    }
    loop {
        match state.settle() {
            Settled::Quiet => {}
            Settled::Contradiction => return None,
            Settled::GivenUp => panic!("so few variables cannot take so long"),
        }
        match (0..variables).find(|id| state.is_open(*id)) {
            Some(id) => state.suppose(id),
            None => return Some((0..variables).map(|id| state.is_present(id)).collect()),
        }
    }
}

fn holds(clauses: &[Vec<(u32, bool)>], values: &[bool]) -> bool {
    clauses.iter().all(|clause| clause.iter().any(|(id, present)| values[*id as usize] == *present))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_model_is_found_where_there_is_one(
        clauses in proptest::collection::vec(proptest::collection::vec((0_u32..6, any::<bool>()), 1..4), 0..30)
    ) {
        // A clause with a variable in both ways says nothing and is never built by the search.
        let clauses: Vec<_> = clauses
            .into_iter()
            .map(|mut clause| { clause.sort_unstable(); clause.dedup(); clause })
            .filter(|clause| clause.windows(2).all(|pair| pair[0].0 != pair[1].0))
            .collect();
        let possible = (0..64_u32).any(|bits| {
            holds(&clauses, &(0..6).map(|id| bits >> id & 1 == 1).collect::<Vec<_>>())
        });
        match model(6, &clauses) {
            Some(values) => prop_assert!(holds(&clauses, &values)),
            None => prop_assert!(!possible),
        }
    }
}

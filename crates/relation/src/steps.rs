//! Labels of the prover's messages and of the challenges, in the order of docs/protocol.md.

/// Step 1: root of the committed codeword.
pub const COMMITMENT: &str = "commitment";
/// Step 2: evaluation point of the logarithmic derivative, and folding of tuples.
pub const LOOKUP_CHALLENGES: &str = "lookup challenges";
/// Step 3: the product of all denominators.
pub const DENOMINATOR: &str = "denominator";
/// Step 3: combination of numerator and denominator of a layer.
pub const LAYER_COMBINATION: &str = "layer combination";
/// Step 3: round of a layer's sumcheck, value at 0 and leading coefficient of the factor beside the equality polynomial.
pub const LAYER_ROUND: &str = "layer round";
/// Step 3: both children: first numerator plus lambda times first denominator, second numerator, first and second denominator.
pub const LAYER_CHILDREN: &str = "layer children";
/// Step 4: combination of the leaves' numerator and denominator.
pub const LEAF_COMBINATION: &str = "leaf combination";
/// Step 4: the accumulators' part of the leaves' claim, and the signs' part where multipliers are hidden.
pub const ACCUMULATORS: &str = "accumulators";
/// Step 5: round of the contraction's sumcheck.
pub const CONTRACTION_ROUND: &str = "contraction round";
/// Step 5: the activation side at the end, and the weight side where weights are hidden.
pub const CONTRACTION_ENDS: &str = "contraction ends";
/// Step 5: combination of the weight side with the signs' part.
pub const SCALING_COMBINATION: &str = "scaling combination";
/// Step 5: round of the sumcheck over hidden multipliers.
pub const SCALING_ROUND: &str = "scaling round";
/// Step 5: both sides of that sumcheck at the end.
pub const SCALING_ENDS: &str = "scaling ends";
/// Step 6: check of the products of pads.
pub const SACRIFICE: &str = "sacrifice";
/// Step 6: combination of the coordinates and blocks of commitments.
pub const COMMITMENT_CHECK: &str = "commitment check";
/// Step 6: weights of the output's elements and of the claims.
pub const CLAIM_COMBINATION: &str = "claim combination";
/// Step 7: points of the weights of the mask cells.
pub const MASK_POINTS: &str = "mask points";
/// Step 7: the mask cells under these weights, and their combination with the claim.
pub const MASK_SUM: &str = "mask sum";
/// Step 7: the blinding vector under the folded weights, and its combination with the folded vector.
pub const BLINDING: &str = "blinding";
/// Step 7: round of an opening's sumcheck, value at 0 and leading coefficient.
pub const FOLD_ROUND: &str = "fold round";
/// Step 7: root of the next codeword.
pub const FOLDED_COMMITMENT: &str = "folded commitment";
/// Step 7: out-of-domain point and value.
pub const OUT_OF_DOMAIN: &str = "out of domain";
/// Step 7: the last polynomial.
pub const FINAL_POLYNOMIAL: &str = "final polynomial";
/// Step 7: proof of work.
pub const GRINDING: &str = "grinding";
/// Step 7: rows queried.
pub const QUERIES: &str = "queries";
/// Step 7: a row opened.
pub const ROW: &str = "row";
/// Step 7: a sibling of the rows' paths.
pub const SIBLING: &str = "sibling";
/// Step 7: combination of the queries.
pub const QUERY_COMBINATION: &str = "query combination";
/// Step 7: round of the last sumcheck.
pub const FINAL_ROUND: &str = "final round";

"""Errors of chains and value points."""

from haversack.errors.kinds import ErrorKind

# The code and the prefix differ in the documents.
REWARD_CHAIN_NOT_FOUND = ErrorKind("store.reward_chain_not_found", 404, 9901, "[0401-4001]: Reward chain not found")
REWARD_STEP_NOT_FOUND = ErrorKind("store.reward_step_not_found", 404, 9911, "[0401-9911]: Reward chain step not found.")
REWARD_CLAIMED = ErrorKind("store.reward_claimed", 422, 9912, "[0401-9912]: Reward already claimed.")
VALUE_POINTS_TOO_FEW = ErrorKind(
    "store.value_points_too_few", 422, 9913, "[0401-9913]: Not enough value points to claim step reward."
)
VALUE_POINT_IN_USE = ErrorKind(
    "store.value_point_in_use",
    422,
    1102,
    "[0401-1102]: Value point {sku} is counted by the reward chains {chains}. Delete them first.",
)
REWARDED_ITEMS_NOT_FOUND = ErrorKind(
    "store.rewarded_items_not_found", 404, 4001, "[0401-4001]: Items weren't found: {skus}"
)
# Of daily and offer chains.
CHAIN_NOT_FOUND = ErrorKind("store.chain_not_found", 404, 7001, "Chain not found")
CHAIN_ACTIVE = ErrorKind(
    "store.chain_active", 422, 6209, "[0401-6209]: Active chain cannot be updated. Please deactivate it first"
)
CHAIN_STEP_NOT_OPEN = ErrorKind(
    "store.chain_step_not_open", 422, 9912, "[0401-9912]: Can't claim the step reward. The step is not open."
)
CHAIN_STEP_PAID = ErrorKind(
    "store.chain_step_paid", 422, 9912, "[0401-9912]: Can't claim the step reward. The step is paid: order it."
)
CHAIN_STEP_FREE = ErrorKind(
    "store.chain_step_free", 422, 9912, "[0401-9912]: Can't order the step reward. The step is free: claim it."
)
CHAIN_NOT_ROLLING = ErrorKind(
    "store.chain_not_rolling", 422, 1102, "[0401-1102]: Only a rolling chain can begin anew for all players."
)

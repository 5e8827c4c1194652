"""The `haversack` command."""

import gc

# Starting makes hundreds of thousands of objects that live as long as the process. Looking through them again and again
# took half a second of each start.
gc.set_threshold(50_000, 20, 20)

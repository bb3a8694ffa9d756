"""GLM-OS beside its peers and the floor: one mock model server, one driver per system, one rig that runs them."""

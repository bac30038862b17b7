"""The town's resident register (住民基本台帳), read-only, at the clerk's station only."""

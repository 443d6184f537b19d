"""Who drives or walks where: routes that collect the most prize in time, and their check."""

"""Who goes where: allocation of hours by trend, and the plan."""

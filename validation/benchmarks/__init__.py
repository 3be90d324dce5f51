"""Speed against named rivals: same machine, same run, error of each against a converged solution."""

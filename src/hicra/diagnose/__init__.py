"""`hicra diagnose` computes, step by step, every metric that the rollouts of any run allow."""

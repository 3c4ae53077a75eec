"""`hicra diagnose`: every metric that the rollouts of any run allow, step by step."""

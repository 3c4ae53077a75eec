"""A critic with one value for each token, learnt by soft Bellman backups inside the actions of an agent: ETPO."""

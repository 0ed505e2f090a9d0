"""Maps: texts as points on a plane, near one another where they mean something alike. It knows vectors, not texts."""

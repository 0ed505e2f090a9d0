-- What a training started from, on the problems that choose its epoch.

alter table adapters add column validation_accuracy_before double;  -- NULL: no validation, or from before it was kept

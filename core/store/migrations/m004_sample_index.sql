-- Runs from a fixed prompt count their calls in numbers above 32 bits.

alter table candidates alter column sample_index type bigint;

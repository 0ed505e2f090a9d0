-- What a person wrote about a run.

alter table runs add column note varchar;

"""Everything Seedbed does, without a user interface: no file in here imports streamlit."""

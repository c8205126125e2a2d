"""A run: what is requested, planned, prepared, and then measured job by job."""

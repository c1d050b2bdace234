"""The fake of Vaillant's myVAILLANT cloud, as its app speaks to it: read independently of the adapter."""

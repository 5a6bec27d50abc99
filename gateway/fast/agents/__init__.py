"""Requests of agents, translated by types: long conversations with calls of tools.

An agent sends its whole conversation with each turn. Here the conversation's items are decoded into
types that admit the usual fields only, and each item is written once; values that do not change are
not looked into. The few parameters beside the conversation are left to the generic functions.
Requests that the types do not admit are translated by the generic path. Each folder has the
requests of clients of one shape; modules that write for an endpoint, for any client, are beside
the folders.
"""

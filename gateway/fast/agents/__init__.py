"""Requests of agents, translated by types: long conversations with calls of tools.

An agent sends its whole conversation with each turn. Here its items are decoded into types that
admit the usual fields only, and each is written once; what does not change is not looked into. The
parameters beside the conversation are left to the generic functions: there are few. Whatever the
types do not admit is translated by the generic path. A folder has what clients of one shape send;
what writes for an endpoint, for any client, stands beside them.
"""

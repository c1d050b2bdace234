"""The far side of the network: houses that obey physics behind fake vendor, market and weather clouds.

Protects: nothing here knows of modes, plans or planners; it is an independent reading of the vendors' documents
and of physics, so that agreement with the rest means something.
"""

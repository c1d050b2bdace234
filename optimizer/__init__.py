"""Plans a fleet: house physics, dynamic programme, rigorous bound, column generation, integer master, certificate.

Entry point: `optimizer.planner.plan_fleet`. Protects: the planner knows houses by enrolment and observation only, and
every number it claims can be recomputed from `domain` values.

Reading order: `house` (class priors), `response` (what a mode does to a room and to a meter), `dwell` (which modes may
follow which), `objective` (what a schedule costs), `programme` (the best schedule of a house at given prices), `bound`
(what no schedule can cost less than), `fleet` (all houses of a request), `segments` (like houses), `master` (who runs
what under the cap), `coordination` (prices of the cap, and the choice), `certificate` (what is claimed), `planner`.
"""

"""The signals of a flush: planned before it, sent before and after it.

Read `listeners`, then `sending` (rounds of pre signals, then post signals), `change_sets` and
`plan` (what the flush writes), then `cascades`, `many_to_many` and `mapper_events` (what it
writes besides). `raw` and `session` hold what users import, `guard` what receivers may do. No
commit and no bulk write belongs here.
"""

"""What is read for people, and the small tables that no decision of a workflow touches.

Owns: reads of workflows, tasks, jobs, changes and workers; tokens, answers, logs, the audit trail.
Never: writes what belongs to the lanes or to the dispatcher.
Called by: service.
"""

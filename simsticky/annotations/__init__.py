"""What a check found, each finding at a place of a file, in the formats that pipelines read.

Neutral: whoever finds something makes an :class:`~simsticky.annotations.record.Annotation` of it, and the writers
turn a list of them into SARIF, GitHub's workflow commands and JUnit.
"""

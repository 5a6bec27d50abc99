"""The endpoints that OpenAI has shut down, in terms of those that took their place.

`edits` become chat requests, `engines` are models, `fine_tunes` are fine-tuning jobs. The shapes
are those of OpenAI's last description that had them: openai-openapi, tag 1.3.0 of June 2023. The
habits of their clients are those of openai-python 0.28.
"""

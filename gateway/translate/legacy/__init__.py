"""The endpoints that OpenAI has shut down, translated to those that replaced them.

`edits` become chat requests, `engines` models, `fine_tunes` fine-tuning jobs. Formats are those of
the last OpenAI description that has them: openai-openapi, tag 1.3.0 of June 2023. What clients send
is what openai-python 0.28 sends.
"""

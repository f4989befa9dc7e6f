"""Makes pages of the reports' figures, for people who look rather than query.

`page.py` decides what a page says, in words of `texts.py`. `as_text.py`, `as_html.py` and `as_pdf.py` show it. Programs get
all figures from `as_json.py` and `as_csv.py`.
"""

"""How good a run or a bundle is on pairs that it was not trained on: `chatbot evaluate`.

cases.py        the questions of a test set, each with its references
subjects.py     what is evaluated, a run or a bundle: questions in, replies out
units.py        what a text is cut into before its tokens are compared
measures.py     the scores, and the named protocols that choose among them
losses.py       what a model pays for the true replies
defects.py      what is wrong with replies, whatever the references say; how long they are
bootstrap.py    how far a score may be off
examination.py  all of it over one test set, of one subject or of two
rendering.py    the result for a terminal and for a program
page.py         the result with examples, as a page of HTML
"""

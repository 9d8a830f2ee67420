"""The review page: the week's draft by section beside the letter, and everything an editor may do about it.

One page for both places it is served from: the local preview, and `serve` behind an editor's own link. In order:
`desk` (what the page shows), `acts` (a form → an act of the editor), `routes` (the addresses; GET changes nothing), and
the page itself in `page/`. It works without JavaScript, by plain forms; the script only saves the reloads.

What it does not know: who may see it (whoever mounts the routes says), and any rule about decisions (`weekly.editor`).
"""

from newsletter.review.desk import Look, look
from newsletter.review.routes import Place, Visitor, colours, review_routes

__all__ = ["Look", "Place", "Visitor", "colours", "look", "review_routes"]

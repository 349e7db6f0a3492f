# The hash of a fetcher's arguments: `sha256` or `hash`, whichever is there, or else the default.
who: { sha256, hash }: default:

if sha256 != null && hash != null then
  throw "${who}: sha256 and hash are the same; give one"
else if sha256 != null then
  sha256
else if hash != null then
  hash
else if default != null then
  default
else
  throw "${who}: sha256 (or hash) is missing: the digest that the manifest has"

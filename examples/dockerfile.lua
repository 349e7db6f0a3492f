-- A template that prints no Nix: the first line of a Dockerfile, pinned by digest.
--
--     docker2nix --fetch --template examples/dockerfile.lua debian:12
--
-- The digest is the index's where there is one, so the line is good on every platform of it.
return function(image)
  local tag = image.tag and ":" .. image.tag or ""
  return ("FROM %s%s@%s\n"):format(image.name, tag, image.digest)
end

// What Supabase's gateway lets browsers of any origin do: the keys and the sessions guard the data, no origin does.

// Those that supabase-js sends.
const requestHeaders = [
  "accept", "accept-profile", "apikey", "authorization", "content-profile", "content-type", "prefer", "range",
  "range-unit", "x-client-info", "x-retry-count", "x-supabase-api-version", "x-upsert",
];
const answerHeaders = [
  "Content-Encoding", "Content-Location", "Content-Range", "Content-Type", "Date", "Link", "Location",
  "Preference-Applied", "Range-Unit", "Transfer-Encoding", "X-Supabase-Api-Version", "X-Total-Count",
];

// preflight answers an OPTIONS. What an app sends besides, it may, as on the platform; a "*" would not cover authorization.
export function preflight(request) {
  const asked = (request.headers.get("access-control-request-headers") ?? "").toLowerCase().split(/[\s,]+/).filter(Boolean);
  return open(new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
      "access-control-allow-headers": [...new Set([...requestHeaders, ...asked])].join(", "),
    },
  }));
}

// open lets a page of any origin read the answer, an error too.
export function open(response) {
  response.headers.set("access-control-allow-origin", "*");
  response.headers.set("access-control-expose-headers", answerHeaders.join(", "));
  return response;
}

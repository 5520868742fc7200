package scaledata

// Statements of clients, as PostgREST sends them. What lists connections has the order of lib/store.
const (
	OfUser           = ofConnections + `"user_id" = any ($1)` + newestFirst
	OfPerson         = ofConnections + `("facebook_user_id" = any ($1) or ("facebook_user_id" is null and "checked_at" is null))` + newestFirst
	MadeBy           = ofConnections + `"facebook_user_id" = any ($1)` + newestFirst
	NeedingAttention = `select * from "public"."connections_needing_attention" where "since" > now() - interval '1 day'`
	OwnNewest        = ofEvents + `order by "occurred_at" desc limit 50`
	OwnConversation  = ofEvents + `where "conversation" = $1 order by "occurred_at" limit 1000`

	ofConnections = `select "user_id", "instagram_id", "facebook_user_id", "scopes", "status", "connected_at" from "public"."user_configs" where `
	newestFirst   = ` order by "connected_at" desc, "instagram_id", "user_id" limit 1000 offset 0`
	ofEvents      = `select "id", "user_id", "instagram_id", "conversation", "kind", "payload", "occurred_at", "received_at" from "public"."instagram_events" `
)

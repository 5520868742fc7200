package page

// Permission is one that the person declined in Meta's dialog.
type Permission struct {
	Name     string // as Meta calls it
	Lost     string // what stops working without it, a full sentence
	Optional bool   // an account can be connected without it
}

// Permissions tells for each permission, by Meta's name, what stops working
// without it. One that we do not know counts as needed.
func Permissions(names []string) []Permission {
	told := make([]Permission, len(names))
	for i, name := range names {
		told[i] = permission(name)
	}
	return told
}

// permission knows what each permission is for:
// https://developers.facebook.com/docs/permissions
func permission(name string) Permission {
	p := Permission{Name: name}
	switch name {
	case "instagram_basic":
		p.Lost = "We cannot see which Instagram account belongs to your Page."
	case "instagram_manage_messages":
		p.Lost = "We cannot read or answer the messages of your Instagram account."
	case "pages_show_list":
		p.Lost = "We cannot see your Facebook Pages, and an Instagram account is found through its Page."
	case "pages_manage_metadata":
		p.Lost = "Meta does not tell us when a message arrives."
	case "pages_messaging":
		p.Lost, p.Optional = "An account can be connected, but new messages may not reach us.", true
	case "business_management":
		p.Lost, p.Optional = "We may not see Pages that belong to a company or an agency, nor the Instagram accounts behind them.", true
	default:
		p.Lost = "A part of this app that needs it does not work."
	}
	return p
}

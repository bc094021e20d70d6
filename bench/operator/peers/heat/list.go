package main

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queryNames gives the names of a query's parameters, as "?limit&status".
func queryNames(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + strings.Join(slices.Sorted(maps.Keys(r.URL.Query())), "&")
}

func (c *call) list() {
	query := c.r.URL.Query()
	tags := query.Get("tags") != "" || query.Get("tags-any") != "" || query.Get("not-tags") != "" || query.Get("not-tags-any") != ""
	if tags && (query.Has("status") || query.Has("name") || query.Has("action")) {
		// As Heat 27: the join for the tags breaks the other filters.
		fault(c.w, http.StatusInternalServerError, "InvalidRequestError", "Entity namespace for \"stack_tag\" has no such property.")
		return
	}
	if query.Get("global_tenant") == "true" || query.Get("global_tenant") == "True" {
		fault(c.w, http.StatusForbidden, "Forbidden", "You are not authorized to use global_index.")
		return
	}
	found := c.candidates(query)
	found = slices.DeleteFunc(found, func(s *stack) bool { return !matches(s, query) })
	if query.Get("with_count") == "true" {
		answer(c.w, http.StatusOK, map[string]int{"count": len(found)})
		return
	}
	sortBy(found, query)
	if marker := query.Get("marker"); marker != "" {
		// Heat ignores a marker that it doesn't know.
		if at := slices.IndexFunc(found, func(s *stack) bool { return s.id == marker }); at >= 0 {
			found = found[at+1:]
		} else if s := c.stacks.byID[marker]; s != nil {
			// It matches no more, but its place is known.
			order := orderOf(query)
			found = slices.DeleteFunc(found, func(each *stack) bool { return order(each, s) <= 0 })
		}
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	full := err == nil && len(found) >= limit
	if full {
		found = found[:limit]
	}
	rows := make([]any, 0, len(found))
	for _, s := range found {
		rows = append(rows, c.row(s))
	}
	body := map[string]any{"stacks": rows}
	if full && limit > 0 {
		query.Set("marker", found[limit-1].id)
		href := c.base + c.r.URL.Path + "?" + query.Encode()
		body["links"] = []any{map[string]string{"rel": "next", "href": href}}
	}
	answer(c.w, http.StatusOK, body)
}

// candidates gives those stacks that can match, in the order of creation, without a look at all where that can be helped.
func (c *call) candidates(query url.Values) []*stack {
	project := c.token.project
	if query.Get("show_deleted") == "true" || query.Get("show_deleted") == "True" {
		all := slices.Clone(c.stacks.all)
		return slices.DeleteFunc(all, func(s *stack) bool { return s.project != project })
	}
	if ids := query["id"]; len(ids) > 0 {
		var found []*stack
		for _, id := range ids {
			if s := c.stacks.byID[id]; s != nil && s.project == project && !s.deleted() {
				found = append(found, s)
			}
		}
		return found
	}
	if status := query["status"]; len(status) == 1 && status[0] == "IN_PROGRESS" {
		return slices.Collect(maps.Values(c.stacks.working[project]))
	}
	return slices.Clone(c.stacks.living[project])
}

func matches(s *stack, query url.Values) bool {
	for name, value := range map[string]string{"status": s.status, "action": s.action, "name": s.name, "id": s.id} {
		if wanted := query[name]; len(wanted) > 0 && !slices.Contains(wanted, value) {
			return false
		}
	}
	has := func(tag string) bool { return slices.Contains(s.tags, tag) }
	split := func(name string) []string {
		if query.Get(name) == "" {
			return nil
		}
		return strings.Split(query.Get(name), ",")
	}
	for _, tag := range split("tags") {
		if !has(tag) {
			return false
		}
	}
	if anyOf := split("tags-any"); anyOf != nil && !slices.ContainsFunc(anyOf, has) {
		return false
	}
	if none := split("not-tags-any"); slices.ContainsFunc(none, has) {
		return false
	}
	if not := split("not-tags"); not != nil && !slices.ContainsFunc(not, func(tag string) bool { return !has(tag) }) {
		return false
	}
	return true
}

type order func(a, b *stack) int

// orderOf is Heat's: by the keys, the newest first unless told, and of those alike by id.
func orderOf(query url.Values) order {
	sign := -1
	if query.Get("sort_dir") == "asc" {
		sign = 1
	}
	keys := query["sort_keys"]
	if len(keys) == 0 {
		return func(a, b *stack) int { return sign * cmp.Compare(a.number, b.number) }
	}
	return func(a, b *stack) int {
		for _, key := range keys {
			if result := sign * compareBy(key, a, b); result != 0 {
				return result
			}
		}
		return sign * cmp.Compare(a.id, b.id)
	}
}

func sortBy(stacks []*stack, query url.Values) {
	slices.SortFunc(stacks, orderOf(query))
}

func compareBy(key string, a, b *stack) int {
	// No time is the least, and Heat knows whole seconds only.
	seconds := func(t time.Time) time.Time { return t.Truncate(time.Second) }
	switch key {
	case "stack_name":
		return cmp.Compare(a.name, b.name)
	case "stack_status":
		return cmp.Compare(a.status, b.status)
	case "creation_time":
		return seconds(a.created).Compare(seconds(b.created))
	case "updated_time":
		return seconds(a.updated).Compare(seconds(b.updated))
	default:
		return 0
	}
}

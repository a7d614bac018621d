#include "worker/kept_plan.h"

#include "aws/core/json.h"

static bool has_parameters(struct str overrides)
{
	struct str line;

	while (str_next(&overrides, '\n', &line))
		if (str_starts(str_trim(line), "param."))
			return true;
	return false;
}

bool kept_plan_write(struct buf *out, const struct plan_source *src)
{
	struct json_out o;

	for (size_t i = 0; i < src->n_properties; i++)
		if (str_is(src->properties[i].name, "Overrides") &&
		    has_parameters(src->properties[i].value))
			return false;
	json_out_init(&o, out);
	json_out_object(&o);
	json_out_key(&o, "properties");
	json_out_array(&o);
	for (size_t i = 0; i < src->n_properties; i++) {
		json_out_object(&o);
		json_member_str(&o, "name", src->properties[i].name);
		json_member_str(&o, "value", src->properties[i].value);
		json_out_end(&o);
	}
	json_out_end(&o);
	json_member_cstr(&o, "file", src->file_name);
	if (src->file_name)
		json_member_str(&o, "text", src->file_text);
	json_out_end(&o);
	return !out->over;
}

int kept_plan_read(struct arena *a, struct str text, struct plan_source *src, struct err *err)
{
	const struct json *list;
	struct plan_property *p;
	struct json *root;

	*src = (struct plan_source){.properties = NULL};
	if (json_parse(a, text, &root, err)) {
		err->code = ERR_MALFORMED;
		return err_wrap(err, "kept plan");
	}
	list = json_get(root, "properties");
	if (!list || list->type != JSON_ARRAY)
		return err_set(err, ERR_MALFORMED, "kept plan: no list of properties");
	p = arena_array(a, struct plan_property, list->n + 1);
	json_each(item, list)
		p[src->n_properties++] = (struct plan_property){json_text(json_get(item, "name")),
								json_text(json_get(item, "value"))};
	src->properties = p;
	src->file_name = json_cstr(json_get(root, "file"));
	src->file_text = json_text(json_get(root, "text"));
	return 0;
}

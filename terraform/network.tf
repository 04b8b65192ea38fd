resource "aws_security_group" "this" {
  name_prefix = var.name
  description = "HTTP and HTTPS to fisherman"
  vpc_id      = var.vpc_id
  tags        = { Name = var.name }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  web = { for pair in setproduct([80, 443], ["0.0.0.0/0", "::/0"]) : "${pair[0]} from ${pair[1]}" => { port = pair[0], from = pair[1] } }
  ssh = { for from in var.ssh_from : "22 from ${from}" => { port = 22, from = from } if var.key_name != null }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = merge(local.web, local.ssh)

  security_group_id = aws_security_group.this.id
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = strcontains(each.value.from, ":") ? null : each.value.from
  cidr_ipv6         = strcontains(each.value.from, ":") ? each.value.from : null
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = toset(["0.0.0.0/0", "::/0"])

  security_group_id = aws_security_group.this.id
  ip_protocol       = "-1"
  cidr_ipv4         = strcontains(each.value, ":") ? null : each.value
  cidr_ipv6         = strcontains(each.value, ":") ? each.value : null
}

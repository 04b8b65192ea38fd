mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
}

variables {
  name          = "box"
  tag           = "v1.2.3"
  config_arn    = "arn:aws:s3:::my-bucket/apps/fisherman.yaml"
  config_bucket = "my-bucket"
  config_key    = "apps/fisherman.yaml"
  vpc_id        = "vpc-0123456789abcdef0"
  subnet_id     = "subnet-0123456789abcdef0"
  ami           = "ami-0123456789abcdef0"
  instance_type = "t4g.nano"
}

run "reads_its_configuration_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.config.policy).Statement == [{
      Action = "s3:GetObject", Effect = "Allow", Resource = ["arn:aws:s3:::my-bucket/apps/fisherman.yaml"]
    }]
    error_message = "The role may do more, or less, than read the configuration: ${aws_iam_role_policy.config.policy}"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal == { Service = "ec2.amazonaws.com" }
    error_message = "Others than instances may take the role."
  }
}

run "reads_the_files_that_it_is_told_of" {
  command = plan

  variables {
    file_arns = ["arn:aws:s3:::my-bucket/apps/web.env"]
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.config.policy).Statement[0].Resource == [var.config_arn, "arn:aws:s3:::my-bucket/apps/web.env"]
    error_message = "The role may read something else: ${aws_iam_role_policy.config.policy}"
  }
}

run "is_closed_but_for_the_web" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.this : rule.from_port]) == toset([80, 443])
    error_message = "Open ports: ${join(" ", [for rule in aws_vpc_security_group_ingress_rule.this : rule.from_port])}"
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.this : rule.from_port == rule.to_port && rule.ip_protocol == "tcp"])
    error_message = "A rule opens more than its port."
  }

  assert {
    condition     = aws_instance.this.metadata_options[0].http_tokens == "required" && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Credentials can be had without IMDSv2, or from a container."
  }

  assert {
    condition     = aws_instance.this.root_block_device[0].encrypted
    error_message = "The root volume is not encrypted."
  }
}

run "opens_ssh_with_a_key" {
  command = plan

  variables {
    key_name = "mine"
    ssh_from = ["203.0.113.0/24"]
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.this : rule.cidr_ipv4 if rule.from_port == 22] == ["203.0.113.0/24"]
    error_message = "Port 22 is not open from where it should be, and nowhere else."
  }

  assert {
    condition     = aws_instance.this.key_name == "mine"
    error_message = "The key is not the instance's."
  }
}

run "brings_up_that_release_with_that_configuration" {
  command = apply

  assert {
    condition = alltrue([for line in [
      "\nfisherman-release 'v1.2.3'\n",
      "releases=$${RELEASES:-https://github.com/alexander-jackson/fisherman/releases/download}\n",
      "echo 'AWS_REGION=eu-west-1'",
      "/usr/local/bin/fisherman install --config 's3://my-bucket/apps/fisherman.yaml' --now\n",
    ] : strcontains(aws_instance.this.user_data, line)])
    error_message = aws_instance.this.user_data
  }

  assert {
    condition     = output.instance_id == aws_instance.this.id && output.public_ip == aws_instance.this.public_ip && output.role == aws_iam_role.this.name
    error_message = "The outputs are not the instance's."
  }
}

run "a_new_release_leaves_the_instance_alone" {
  command = apply

  variables {
    tag = "v2.0.0"
    ami = "ami-00000000000000000"
  }

  assert {
    condition     = aws_instance.this.id == run.brings_up_that_release_with_that_configuration.instance_id
    error_message = "The instance was replaced."
  }

  assert {
    condition     = strcontains(aws_instance.this.user_data, "\nfisherman-release 'v1.2.3'\n")
    error_message = "The user data of a running instance was changed, for which AWS stops it."
  }
}

run "refuses_what_is_not_one_object" {
  command = plan

  variables {
    config_arn = "arn:aws:s3:::my-bucket/*"
    file_arns  = ["arn:aws:s3:::my-bucket"]
  }

  expect_failures = [var.config_arn, var.file_arns]
}

run "refuses_another_object_than_the_one_it_may_read" {
  command = plan

  variables {
    config_key = "other.yaml"
  }

  expect_failures = [var.config_arn]
}

run "refuses_what_would_break_out_of_the_script" {
  command = plan

  variables {
    tag        = "v1.0.0'; reboot; '"
    config_key = "a'b"
    config_arn = "arn:aws:s3:::my-bucket/a'b"
    releases   = "https://example.com/$(reboot)"

    config_region = "eu-west-1'; reboot; '"
  }

  expect_failures = [var.tag, var.config_key, var.releases, var.config_region]
}

run "refuses_mistakes" {
  command = plan

  variables {
    name          = "a box"
    vpc_id        = "subnet-0123456789abcdef0"
    subnet_id     = "vpc-0123456789abcdef0"
    ami           = "debian"
    instance_type = "nano"
    key_name      = "mine"
    ssh_from      = ["me"]
    volume_size   = 1
  }

  expect_failures = [var.name, var.vpc_id, var.subnet_id, var.ami, var.instance_type, var.ssh_from, var.volume_size]
}
